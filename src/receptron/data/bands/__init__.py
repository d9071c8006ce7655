"""Images of any number of bands, in their own units: arrays in .npy files, and TIFFs of more or other bands than a photo has."""

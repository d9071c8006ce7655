"""What the questions' points rest on: one constant for each paper or book."""

BALDUZZI = "Balduzzi et al. 2017, The Shattered Gradients Problem, arXiv:1702.08591"
DOSOVITSKIY = "Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, arXiv:2010.11929, section 4"
GOODFELLOW = "Goodfellow, Bengio and Courville 2016, Deep Learning, chapter 9"
HE = "He et al. 2016, Deep Residual Learning for Image Recognition, arXiv:1512.03385"
HE_PLAIN = f"{HE}, sections 1 and 4.1"  # on nets without shortcuts
HOWARD = "Howard and Ruder 2018, Universal Language Model Fine-tuning, arXiv:1801.06146, section 3"
IDENTITY = "He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027, section 2"
LI = "Li et al. 2018, Visualizing the Loss Landscape of Neural Nets, arXiv:1712.09913"
LIU = "Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545, section 2"
VEIT = "Veit, Wilber and Belongie 2016, arXiv:1605.06431"
YOSINSKI = "Yosinski et al. 2014, How transferable are features in deep neural networks?, arXiv:1411.1792"
ZEILER = "Zeiler and Fergus 2014, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901, section 4"

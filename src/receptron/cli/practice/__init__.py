"""`receptron practice`: one file for the session, the records, the conversations; and the terminal that they share."""

"""The record of who did and who saw what. It is written in the transaction of the deed and never changed."""

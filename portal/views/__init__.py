"""What pages and programs are shown: values made from the store's word, before any markup."""

"""What is kept outside of the endpoints: a queue of passes, and what they came to. Nothing else imports a database."""

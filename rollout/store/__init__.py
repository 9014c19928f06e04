"""What is kept outside of the endpoints: a queue of passes for many workers. The only package that imports Postgres."""

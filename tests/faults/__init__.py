"""Each fault that Microsoft documents, provoked: what `rollout` says, what it leaves, how it goes on."""

"""Each fault that Microsoft documents, provoked on the emulator: what `rollout` says, what it leaves, how it goes on."""

"""A whole rollout in one process and one thread, without waiting: so a world can be copied before any request.

The command line, azure-identity, azure-core, azure-ai-ml, aiohttp and requests are the real ones, and so are the
emulator's rules, front door and faults. In the place of sockets there is memory, in the place of time a number, and in
the place of scoring processes the same script in this one.
"""

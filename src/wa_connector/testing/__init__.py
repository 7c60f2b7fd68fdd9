"""What tests of hosts and plugins are made of: memory-backed ports, and the contract suites that a plugin inherits.

Rules of this package: nothing here is imported by the SDK itself; a module that needs pytest or hypothesis says so in
its first line, and the others need neither.
"""

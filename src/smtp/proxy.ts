/** An SMTP or LMTP proxy: listens, and gives each client a session of its own with the target. */

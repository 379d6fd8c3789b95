"""The rehearsal and the local AWS that it runs on."""

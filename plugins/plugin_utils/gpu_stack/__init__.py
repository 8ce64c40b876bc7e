"""The resolver: facts + options + matrix -> a plan or a refusal.  Nothing is read or run."""

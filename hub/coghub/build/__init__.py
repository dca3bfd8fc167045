"""From a project on a disk to what runs it: cog.yaml → plan → environment or bundle."""

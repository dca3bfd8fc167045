"""What is wrong with a project, told before it fails: `cog doctor`.

`project` reads the folder once; each module of checks yields findings; a finding may carry a fix,
which `repair` applies whole or not at all. Nothing of the project is run or imported.
"""

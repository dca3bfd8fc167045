"""What a model takes and gives, told from its source alone: no environment, nothing imported.

1. `interpreter` walks through the reference's file, statement by statement, with real values: the
   literals, the names of `cog` and `typing`, what the project's own files define.
2. What it cannot know (another package, the machine, the clock) becomes an `Unknown`, and so does
   whatever that may have changed. Who uses one learns that the source cannot tell.
3. Classes become real ones, and functions real ones without a body. The rest of `cog.schema`
   inspects them as it inspects a model that was imported, so both give the same document.

No code of the user's is ever run. `description` is where to begin.
"""

; Nothing besides the definitions of TypeScript, which come first.

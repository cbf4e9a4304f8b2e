; Nothing besides the definitions it shares with TypeScript, which come first.

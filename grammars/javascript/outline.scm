; JavaScript adds nothing to the definitions it shares with TypeScript.

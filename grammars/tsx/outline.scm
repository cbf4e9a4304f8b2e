; TSX adds nothing to the definitions of TypeScript.

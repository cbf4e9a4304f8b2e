; Definitions that JavaScript adds to those it shares with TypeScript, which come first. `@member` is a part of a type, which no outline shows.

(field_definition property: (_) @name) @member

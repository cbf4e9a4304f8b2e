; Definitions in R: `@definition` around each, `@name` within.

(program (binary_operator lhs: (identifier) @name rhs: (function_definition)) @definition)

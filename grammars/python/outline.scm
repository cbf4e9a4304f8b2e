; Definitions in Python: `@definition` around each, `@name` within.

(function_definition name: (_) @name) @definition
(class_definition name: (_) @name) @definition
(module (expression_statement (assignment left: (identifier) @name)) @definition)

; Definitions in Python: `@definition` or `@type` around each, `@name` within. `@member` is a part of a type, which no outline shows.

(function_definition name: (_) @name) @definition
(class_definition name: (_) @name) @type
(module (expression_statement (assignment left: (identifier) @name)) @definition)
(class_definition body: (block (expression_statement (assignment left: (identifier) @name)) @member))
((class_definition body: (block (function_definition name: (identifier) @_init body: (block (expression_statement
  (assignment left: (attribute attribute: (_) @name)) @member)))))
  (#eq? @_init "__init__"))

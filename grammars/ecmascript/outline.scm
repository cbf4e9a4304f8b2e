; Definitions in JavaScript, TypeScript and TSX: `@definition` or `@type` around each, `@name` within.

(function_declaration name: (_) @name) @definition
(generator_function_declaration name: (_) @name) @definition
(class_declaration name: (_) @name) @type
(method_definition name: (_) @name) @definition
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @definition
(program (lexical_declaration (variable_declarator name: (identifier) @name)) @definition)
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name))) @definition)

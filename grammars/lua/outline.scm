; Definitions in Lua: `@definition` around each, `@name` within.

(function_declaration name: (_) @name) @definition
(assignment_statement (variable_list name: (_) @name) (expression_list value: (function_definition))) @definition
(chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @definition)
(table_constructor (field name: (identifier) @name value: (function_definition)) @definition)

; Definitions in a shell script: `@definition` around each, `@name` within.

(function_definition name: (_) @name) @definition
(program (variable_assignment name: (variable_name) @name) @definition)
(program (declaration_command (variable_assignment name: (variable_name) @name)) @definition)

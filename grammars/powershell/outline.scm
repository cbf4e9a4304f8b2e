; Definitions in PowerShell: `@definition` or `@type` around each, `@name` within.

(function_statement (function_name) @name) @definition
(class_statement . (simple_name) @name) @type

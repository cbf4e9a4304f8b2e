; Definitions in Python, for the measurement alone.

(function_definition name: (_) @name) @callable
(class_definition name: (_) @name) @type
(module (expression_statement (assignment left: (identifier) @name) @value))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @member)))
(assignment left: (attribute object: (identifier) @_self attribute: (_) @name) (#eq? @_self "self")) @member

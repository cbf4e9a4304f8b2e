; The task at a place in Zig, by the innermost node around it. `.inside`: only behind the node's own start.

(source_file) @top_level

; Statements
(variable_declaration ["=" "+=" "-=" "*=" "/=" "%=" "|=" "&=" "^=" "<<=" ">>=" "+%=" "-%=" "*%="] _ @expression)
(assignment_expression right: (_) @expression)
(return_expression [(_) "null" "undefined"] @return)
(break_expression (expression) @expression)
(container_field "=" _ @expression)
(for_statement "(" (_) @expression ")")
(for_expression "(" (_) @expression ")")
(while_statement ":" "(" . (_) @expression)
(while_expression ":" "(" . (_) @expression)
(catch_expression "catch" (expression) @expression)
(switch_case "=>" _ @expression)
(index_expression index: (_) @expression)
(array_type (_) @expression "]")
(byte_alignment (_) @expression)
(payload) @parameter.inside

; Conditions
(if_statement condition: (_) @condition)
(if_expression condition: (_) @condition)
(if_type_expression condition: (_) @condition)
(while_statement condition: (_) @condition)
(while_expression condition: (_) @condition)
(switch_expression "(" . (_) @condition)

; Lists
(arguments) @argument.inside
(call_expression "(" _ @argument)
(parameters) @parameter.inside
(initializer_list) @literal.inside

; Types
(variable_declaration type: (_) @type)
(container_field type: (_) @type)
(parameter name: (_) type: (_) @type)
(function_declaration type: (_) @type)
(function_signature type: (_) @type)
(enum_declaration "(" . (_) @type)
(struct_declaration "(" . (_) @type)
(union_declaration "(" . (_) @type)

; Imports, texts
((builtin_function (builtin_identifier) @_name (arguments) @import.inside) (#match? @_name "^@(import|cImport|embedFile)$"))
(string) @string.inside
(multiline_string) @string.inside
(character) @string.inside
((builtin_function (builtin_identifier) @_name (arguments (string) @import)) (#match? @_name "^@(import|cImport|embedFile)$"))
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^//(/([^/]|$)|!)"))

; Bodies
(block) @block.inside
; FIXME: an empty switch counts as a line, because its braces have no node of their own.
(switch_expression) @block.inside
(test_declaration (block) @function.inside)
(function_declaration body: (block) @function.inside)
(struct_declaration) @type_body.inside
(enum_declaration) @type_body.inside
(union_declaration) @type_body.inside
(opaque_declaration) @type_body.inside
(error_set_declaration) @type_body.inside

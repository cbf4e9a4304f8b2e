; The task at a place in Lua, by the innermost node around it. `.inside`: only behind the node's own start.

(chunk) @top_level

; Statements
(assignment_statement (expression_list) @expression)
(return_statement (expression_list) @return)
(for_numeric_clause start: (_) @expression)
(for_numeric_clause end: (_) @expression)
(for_numeric_clause step: (_) @expression)
(for_generic_clause (expression_list) @expression)
(bracket_index_expression field: (_) @expression)
(for_generic_clause (variable_list) @line)

; Conditions
(if_statement condition: (_) @condition)
(elseif_statement condition: (_) @condition)
(while_statement condition: (_) @condition)
(repeat_statement condition: (_) @condition)

; Lists
(arguments) @argument
(arguments "(") @argument.inside
(parameters) @parameter.inside
(table_constructor) @literal.inside

; Imports, texts
(string) @string.inside
((function_call name: (identifier) @_name arguments: (arguments) @import.inside) (#eq? @_name "require"))
((function_call name: (identifier) @_name arguments: (arguments (string) @import)) (#eq? @_name "require"))
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^---([^-]|$)"))

; Bodies
(block) @block
(function_declaration body: (block) @function)
(function_definition body: (block) @function)

; The task at a place in a shell script, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(variable_assignment value: (_) @expression)
(for_statement value: (_) @expression)
(c_style_for_statement initializer: (_) @expression)
(c_style_for_statement update: (_) @expression)
(command_substitution) @expression.inside
(process_substitution) @expression.inside
(expansion) @expression.inside
(arithmetic_expansion) @expression.inside
(subscript index: (_) @expression)
(array) @literal.inside

; Conditions
(if_statement condition: (_) @condition)
(elif_clause "elif" . (_) @condition)
(while_statement condition: (_) @condition)
(c_style_for_statement condition: (_) @condition)
(ternary_expression condition: (_) @condition)
(case_statement value: (_) @condition)
(test_command) @condition.inside

; Words of a command
(command argument: (_) @argument)
(file_redirect destination: (_) @argument)
(herestring_redirect (_) @argument)
(command argument: (command_substitution) @expression.inside)
(command argument: (expansion) @argument)
((command name: (command_name) @_name argument: (_) @return) (#eq? @_name "return"))
((command name: (command_name) @_name argument: (_) @import) (#any-of? @_name "." "source"))

; Texts
(string) @string.inside
(raw_string) @string.inside
(ansi_c_string) @string.inside
(translated_string) @string.inside
(string (expansion) @string.inside)
(heredoc_body) @string.inside
((command name: (command_name) @_name argument: (string) @import) (#any-of? @_name "." "source"))
(comment) @comment.inside

; Bodies
(if_statement) @block.inside
(elif_clause) @block.inside
(else_clause) @block.inside
(do_group) @block.inside
(case_item) @block.inside
(case_statement) @line
(case_item value: (_) @line)
(subshell) @block.inside
(compound_statement) @block.inside
(compound_statement "((") @expression.inside
(function_definition body: (compound_statement) @function.inside)

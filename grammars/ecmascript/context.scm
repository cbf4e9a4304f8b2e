; The task at a place in JavaScript, TypeScript and TSX, by the innermost node around it. `.inside`: only behind the node's own start.

(program) @top_level

; Statements
(variable_declarator value: (_) @expression)
(assignment_expression right: (_) @expression)
(augmented_assignment_expression right: (_) @expression)
(return_statement (_) @return)
(yield_expression (_) @return)
(throw_statement (_) @expression)
(for_in_statement right: (_) @expression)
(for_statement initializer: (_) @expression)
(for_statement increment: (_) @expression)
(arrow_function body: (_) @expression)
(subscript_expression index: (_) @expression)
(assignment_pattern right: (_) @expression)
(export_statement value: (_) @expression)
(template_substitution) @expression.inside
(switch_case value: (_) @expression)

; Conditions
(if_statement condition: (_) @condition)
(while_statement condition: (_) @condition)
(do_statement condition: (_) @condition)
(for_statement condition: (_) @condition)
(switch_statement value: (_) @condition)

; Lists
(arguments) @argument.inside
(formal_parameters) @parameter.inside
(arrow_function parameter: (_) @parameter)
(catch_clause parameter: (_) @parameter)
(array) @literal.inside
(object) @literal.inside
(array_pattern) @line
(object_pattern) @line

; Imports, texts
(import_statement) @import.inside
(export_clause) @import.inside
(string) @string.inside
(template_string) @string.inside
(template_string (template_substitution) @expression.inside)
(import_statement source: (string) @import)
(export_statement source: (string) @import)
(export_statement (export_clause) "from" @import)
(regex) @string.inside
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^/\\*\\*"))

; Bodies
(statement_block) @block.inside
(switch_body) @block.inside
(switch_case body: (_) @line)
(class_body) @type_body.inside
(function_declaration body: (statement_block) @function.inside)
(function_expression body: (statement_block) @function.inside)
(generator_function body: (statement_block) @function.inside)
(generator_function_declaration body: (statement_block) @function.inside)
(method_definition body: (statement_block) @function.inside)
(arrow_function body: (statement_block) @function.inside)

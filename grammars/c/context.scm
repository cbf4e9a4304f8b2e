; The task at a place in C or C++, by the innermost node around it. `.inside`: only behind the node's own start.

(translation_unit) @top_level

; Statements
(init_declarator value: (_) @expression)
(assignment_expression right: (_) @expression)
(return_statement (_) @return)
(enumerator value: (_) @expression)
(subscript_expression (_) (_) @expression)
(array_declarator size: (_) @expression)
(bitfield_clause (_) @expression)
(case_statement value: (_) @expression)
(preproc_def value: (_) @expression)
(preproc_function_def value: (_) @expression)

; Conditions and the heads of loops
(if_statement condition: (_) @condition.inside)
(while_statement condition: (_) @condition.inside)
(do_statement condition: (_) @condition.inside)
(switch_statement condition: (_) @condition.inside)
(for_statement) @condition.inside
(for_statement initializer: (declaration (init_declarator value: (_) @expression)))
(for_statement body: (_) @line)
(preproc_if condition: (_) @condition)
(preproc_elif condition: (_) @condition)
((preproc_call directive: (_) @_directive argument: (_) @condition) (#match? @_directive "if"))
(preproc_ifdef name: (_) @condition)

; Lists
(argument_list) @argument.inside
(parameter_list) @parameter.inside
(preproc_params) @parameter.inside
(initializer_list) @literal.inside

; Types
(sizeof_expression (_) @type)
(alignof_expression type: (_) @type)
(offsetof_expression type: (_) @type)
(type_definition type: (_) @type)

; Imports, texts
(preproc_include) @import.inside
(string_literal) @string.inside
(char_literal) @string.inside
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^(/[*][*!]|//[/!])"))
(preproc_include path: (_) @import)

; Bodies
(compound_statement) @block.inside
(function_definition body: (compound_statement) @function.inside)
(translation_unit (compound_statement) @function.inside)
(field_declaration_list) @type_body.inside
(enumerator_list) @type_body.inside
(declaration_list) @top_level.inside

; The task at a place in C#, by the innermost node around it. `.inside`: only behind the node's own start.

(compilation_unit) @top_level

; Statements
(variable_declarator name: (_) (_) @expression)
(property_declaration value: (_) @expression)
(assignment_expression right: (_) @expression)
(arrow_expression_clause (_) @expression)
(lambda_expression body: (_) @expression)
(return_statement (_) @return)
(yield_statement (_) @return)
(throw_statement (_) @expression)
(throw_expression (_) @expression)
(enum_member_declaration value: (_) @expression)
(bracketed_argument_list) @expression.inside
(lock_statement . (_) @expression)
(using_statement . (_) @expression)
(using_statement . (variable_declaration) @line)
(select_clause (_) @expression)
(switch_section . (_) @expression)
(switch_expression) @line.inside
(switch_expression_arm (_) (_) @expression)
(await_expression (_) @expression)
(parameter name: (_) (_) @expression)

; Conditions and the heads of loops
(if_statement condition: (_) @condition)
(while_statement condition: (_) @condition)
(do_statement condition: (_) @condition)
(switch_statement value: (_) @condition)
(catch_filter_clause (_) @condition)
(when_clause (_) @condition)
(where_clause (_) @condition)
(for_statement) @condition.inside
(for_statement initializer: (variable_declaration (variable_declarator name: (_) (_) @expression)))
(for_statement body: (_) @line)
(foreach_statement) @condition.inside
(foreach_statement right: (_) @expression)
(foreach_statement body: (_) @line)
(preproc_if condition: (_) @condition)
(preproc_elif condition: (_) @condition)

; Lists
(argument_list) @argument.inside
(attribute_argument_list) @argument.inside
(parameter_list) @parameter.inside
(bracketed_parameter_list) @parameter.inside
(type_parameter_list) @parameter.inside
(catch_declaration) @parameter.inside
(initializer_expression) @literal.inside
(anonymous_object_creation_expression) @literal.inside
(collection_expression) @literal.inside

; Types
(type_argument_list) @type.inside
(base_list (_) @type)
(as_expression right: (_) @type)
(is_expression right: (_) @type)
(is_pattern_expression pattern: (_) @type)
(typeof_expression type: (_) @type)
(sizeof_expression type: (_) @type)
(default_expression type: (_) @type)
(type_parameter_constraint) @type

; Imports, texts
(using_directive) @import.inside
(string_literal) @string.inside
(verbatim_string_literal) @string.inside
(raw_string_literal) @string.inside
(interpolated_string_expression) @string.inside
(interpolation) @expression.inside
(character_literal) @string.inside
(preproc_region) @line.inside
(comment) @comment.inside
((comment) @doc_comment.inside (#match? @doc_comment.inside "^(///|/[*][*])"))

; Bodies
(block) @block.inside
(switch_body) @block.inside
(method_declaration body: (block) @function.inside)
(constructor_declaration body: (block) @function.inside)
(destructor_declaration body: (block) @function.inside)
(operator_declaration body: (block) @function.inside)
(conversion_operator_declaration body: (block) @function.inside)
(local_function_statement body: (block) @function.inside)
(accessor_declaration body: (block) @function.inside)
(accessor_list) @type_body.inside
(declaration_list) @type_body.inside
(namespace_declaration body: (declaration_list) @top_level.inside)
(enum_member_declaration_list) @type_body.inside

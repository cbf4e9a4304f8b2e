; The task at a place in Rust, by the innermost node around it. `.inside`: only behind the node's own start.

(source_file) @top_level

; Statements
(let_declaration value: (_) @expression)
(const_item value: (_) @expression)
(static_item value: (_) @expression)
(assignment_expression right: (_) @expression)
(compound_assignment_expr right: (_) @expression)
(return_expression (_) @return)
(break_expression (_) @expression)
(for_expression value: (_) @expression)
(for_expression pattern: (_) @line)
(closure_expression body: (_) @expression)
(match_arm value: (_) @expression)
(match_arm value: (block) @block.inside)
(match_arm) @line
(index_expression (_) (_) @expression)

; Conditions
(if_expression condition: (_) @condition)
(while_expression condition: (_) @condition)
(match_expression value: (_) @condition)
(match_pattern condition: (_) @condition)

; Lists
(arguments) @argument.inside
(token_tree) @argument.inside
(parameters) @parameter.inside
(closure_parameters) @parameter.inside
(type_parameters) @parameter.inside
(array_expression) @literal.inside
(field_initializer_list) @literal.inside

; Types
(let_declaration type: (_) @type)
(const_item type: (_) @type)
(static_item type: (_) @type)
(parameter type: (_) @type)
(self_parameter) @parameter.inside
(field_declaration type: (_) @type)
(ordered_field_declaration_list) @type.inside
(function_item return_type: (_) @type)
(function_signature_item return_type: (_) @type)
(function_type return_type: (_) @type)
(closure_expression return_type: (_) @type)
(type_item type: (_) @type)
(type_cast_expression type: (_) @type)
(impl_item trait: (_) @type)
(impl_item type: (_) @type)
(type_arguments) @type.inside
(trait_bounds) @type.inside
(where_predicate) @type.inside
(reference_type type: (_) @type)
(array_type element: (_) @type)
(tuple_type) @type.inside
(generic_type) @type.inside

(parameters (reference_type type: (_) @parameter))
(parameters (reference_type) @parameter)

; Members, imports, texts
(field_expression field: (_) @member)
(use_declaration) @import.inside
(extern_crate_declaration) @import.inside
(attribute_item) @line
(inner_attribute_item) @line
(attribute arguments: (token_tree) @argument.inside)
(string_literal) @string.inside
(raw_string_literal) @string.inside
(char_literal) @string.inside
(line_comment) @comment.inside
(block_comment) @comment.inside
(line_comment (doc_comment)) @doc_comment.inside
(block_comment (doc_comment)) @doc_comment.inside

; Bodies
(block) @block.inside
(function_item body: (block) @function.inside)
(closure_expression body: (block) @block.inside)
(match_block) @block.inside
(declaration_list) @type_body.inside
(field_declaration_list) @type_body.inside
(enum_variant_list) @type_body.inside
(mod_item body: (declaration_list) @top_level.inside)
(foreign_mod_item body: (declaration_list) @type_body.inside)

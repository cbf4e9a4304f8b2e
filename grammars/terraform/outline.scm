; Definitions in Terraform and other HCL: `@definition` around each, `@name` within.

(block (string_lit (template_literal) @name)) @definition
(config_file (body (attribute (identifier) @name) @definition))

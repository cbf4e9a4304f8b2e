; Definitions in HTML: `@definition` around each, `@name` within. A page's definitions are its headings and the elements with an id.

(element (start_tag (tag_name) @_tag) . (text) @name (#match? @_tag "^[hH][1-6]$")) @definition
(element (start_tag (attribute (attribute_name) @_key (quoted_attribute_value (attribute_value) @name))) (#eq? @_key "id")) @definition

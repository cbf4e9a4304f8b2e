; The task at a place in Markdown, by the innermost node around it. `.inside`: only behind the node's own start.

(document) @top_level
(paragraph) @line.inside
(inline) @line.inside
(atx_heading) @line.inside
(setext_heading) @line.inside
(list_item) @line.inside
(block_quote) @line.inside
(pipe_table) @line.inside
(fenced_code_block) @line.inside
(code_fence_content) @line
(indented_code_block) @line
(link_reference_definition) @line.inside
(minus_metadata) @line.inside
(plus_metadata) @line.inside
(html_block) @line.inside
((html_block) @comment.inside (#match? @comment.inside "^\\s*<!--"))

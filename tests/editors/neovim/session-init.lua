-- As `server-init.lua`, but without indentation by the editor: the session's text has its own indentation, and its own end.
dofile(vim.env.HERE .. '/server-init.lua')
vim.cmd('filetype indent off')
vim.o.autoindent = false
vim.o.fixendofline = false
vim.api.nvim_create_autocmd('BufNewFile', { callback = function() vim.bo.endofline = false end })

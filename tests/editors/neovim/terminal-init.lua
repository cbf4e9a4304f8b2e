-- A possible configuration of a user of the plugin, with the real server.
vim.opt.runtimepath:append(vim.env.PLUGIN)
vim.opt.number = true
vim.opt.statusline = "%f %= %{%v:lua.require'pennyworth'.statusline()%} %l:%c "
vim.opt.laststatus = 2
vim.opt.termguicolors = true
require('pennyworth').setup { cmd = { vim.env.SERVER } }

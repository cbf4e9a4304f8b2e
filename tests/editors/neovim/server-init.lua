-- An editor with the plugin as a user has it, and the real server.
vim.opt.runtimepath:append(vim.env.PLUGIN)
Told, States = {}, {}
vim.notify = function(message) table.insert(Told, message) end
vim.api.nvim_create_autocmd('User', {
  pattern = 'PennyworthStatus',
  callback = function(event) table.insert(States, event.data.state) end,
})
require('pennyworth').setup { cmd = { vim.env.SERVER } }

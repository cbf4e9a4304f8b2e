-- Ways to install the plugin: with no call to it, late, by vim.pack, and without a server.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local check, same, becomes = driver.check, driver.same, driver.becomes

local place = vim.env.PLACE
local file = place .. '/workspace/orders.py'
vim.fn.mkdir(place .. '/bin')
vim.uv.fs_symlink(vim.env.SERVER, place .. '/bin/pennyworth')
vim.env.PATH = place .. '/bin:' .. vim.env.PATH

local watching = [[
  Told = {}
  vim.notify = function(message) table.insert(Told, message) end
]]
--- Starts an editor with this Lua configuration.
local function with(configuration)
  local init = place .. '/init.lua'
  vim.fn.writefile(vim.split(watching .. configuration, '\n'), init)
  return driver.start(init, file)
end
local function servers(editor) return editor:lua('return #vim.lsp.get_clients({ name = "pennyworth" })') end

--- Checks that it suggests, and accepts by its usual key.
local function works(what, editor)
  becomes(what .. ': a server serves the file', 1, function() return servers(editor) end)
  becomes('and has read the workspace', true, function()
    local status = editor:lua('return require("pennyworth").status()')
    return type(status) == 'table' and status.state == 'ready' and status.files > 0
  end)
  editor:keys('Go')
  editor:type('with op')
  becomes('it suggests', 'en(path) as handle:', function() return editor:ghost():match('^[^\n]*') end)
  editor:keys('<Tab>')
  check('a key takes it', editor:text():find('load_products(path):\n    with open(path) as handle:', 1, true), editor:text())
  same('and nobody is told anything', editor:lua('return Told'), {})
  editor:quit()
end

local folder = ('vim.opt.runtimepath:append(%q)\n'):format(vim.env.PLUGIN)
works('with nothing called', with(folder))
works('with `setup` called late', with([[
  vim.api.nvim_create_autocmd('BufReadPost', { once = true, callback = function()
    ]] .. folder .. [[
    vim.cmd.runtime('plugin/pennyworth.lua')
    require('pennyworth').setup {}
  end })
]]))

if vim.fn.has('nvim-0.12') == 1 then
  local repository = place .. '/pennyworth'
  vim.fn.mkdir(repository .. '/editors', 'p')
  local made = vim.system({ 'sh', '-c', [[
    cp -r "$PLUGIN" editors/ && git init -q && git add -A &&
    git -c user.name=Test -c user.email=test@localhost commit -qm All
  ]] }, { cwd = repository }):wait()
  same('a repository is made', made.code, 0)
  works('by vim.pack', with(([[
    vim.pack.add({ { src = 'file://%s' } }, {
      confirm = false,
      load = function(plugin) vim.opt.runtimepath:append(plugin.path .. '/editors/neovim') end,
    })
    require('pennyworth').setup {}
  ]]):format(repository)))
else
  driver.skip('vim.pack, which this version does not have')
end

-- Without a server ---------------------------------------------------------------------------------------------------------------

local editor = with(folder .. [[require('pennyworth').setup { cmd = { 'pennyworth-that-is-not-there' } }]])
becomes('a missing server is told of', 1, function() return editor:lua('return #Told') end)
editor:call('nvim_command', 'edit ' .. place .. '/workspace/other.py')
editor:keys('ix<Tab><Esc>')
same('once', #editor:lua('return Told'), 1)
check('with what to do about it', editor:lua('return Told[1]'):find('Install the server or name it', 1, true), editor:lua('return Told'))
same('keys are themselves', editor:line(), 'x   ')
editor:call('nvim_command', 'checkhealth pennyworth')
local health = editor:text()
check('checkhealth says so', health:find('`pennyworth-that-is-not-there` was not found', 1, true) and health:find('cargo install', 1, true), health)
editor:quit()
driver.finish()

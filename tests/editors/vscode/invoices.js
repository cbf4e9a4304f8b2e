const { post } = require('./wire');

function sendInvoice(invoice) {
  return post('/invoices', JSON.stringify(invoice));
}

function sendReminder(reminder) {
  return post('/reminders', JSON.stringify(reminder));
}

function sendReceipt(receipt) {
  return post('/receipts', JSON.stringify(receipt));
}


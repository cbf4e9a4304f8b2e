"""What the shop owes, and to whom."""

import json


def load_invoices(path):
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)


def save_invoices(path, invoices):
    with open(path, "w", encoding="utf-8") as handle:
        json.dump(invoices, handle, indent=2)


class Account:
    """Invoices – paid and unpaid – of one supplier; 🧾 as they came."""

    def __init__(self, name, invoices):
        self.name = name
        self.invoices = list(invoices)

    def unpaid(self):
        return [invoice for invoice in self.invoices if not invoice["paid"]]

    def owed(self):
        return sum(invoice["price"] for invoice in self.unpaid())

    def pay(self, number):
        for invoice in self.invoices:
            if invoice["number"] == number:
                invoice["paid"] = True
                return invoice
        raise KeyError(number)


def read(path, name):
    return Account(name, load_invoices(path))


def report(ledgers):
    for ledger in sorted(ledgers, key=lambda ledger: ledger.name):
        print(f"{ledger.name}: {ledger.owed()}")


def load_debts(path):
    with open(path, encoding="utf-8") as handle:
        return json.load(handle)

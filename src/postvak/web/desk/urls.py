"""Addresses of the agents' workplace. A new state is a new resource."""

from django.urls import path

from postvak.web.desk import downloads, receipts, ticket, ticket_list

desk_urls = [
    path("", ticket_list.start, name="start"),
    path("list/<slug:list_id>/", ticket_list.show, name="list"),
    path("tickets/<int:number>/", ticket.show, name="ticket"),
    path("tickets/<int:number>/news/", ticket.news, name="news"),
    path("tickets/<int:number>/answers/", ticket.answer, name="answer"),
    path("tickets/<int:number>/notes/", ticket.note, name="note"),
    path("tickets/<int:number>/status/", ticket.status, name="ticket-status"),
    path("tickets/<int:number>/queue/", ticket.queue, name="ticket-queue"),
    path("tickets/<int:number>/assignee/", ticket.assignee, name="ticket-assignee"),
    path("tickets/<int:number>/priority/", ticket.priority, name="ticket-priority"),
    path("outgoing/<int:pk>/attempts/", ticket.send_again, name="send-again"),
    path("messages/<int:pk>/body/", downloads.body, name="body"),
    path("messages/<int:pk>/original.eml", downloads.original, name="original"),
    path("attachments/<int:pk>/", downloads.attachment, name="attachment"),
    path("held/", receipts.held, name="held"),
    path("held/decisions/", receipts.decide_held, name="held-decisions"),
    path("receipts/<int:pk>/", receipts.show, name="receipt"),
    path("receipts/<int:pk>/original.eml", receipts.original, name="receipt-original"),
    path("receipts/<int:pk>/source/", receipts.source, name="receipt-source"),
    path("receipts/<int:pk>/attempts/", receipts.attempt, name="receipt-attempts"),
]

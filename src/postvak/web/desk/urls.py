"""Addresses of the agents' workplace. A new state is a new resource."""

from django.urls import path

from postvak.web.desk import downloads, moving, properties, receipts, ticket, ticket_list

desk_urls = [
    path("", ticket_list.start, name="start"),
    path("list/<slug:list_id>/", ticket_list.show, name="list"),
    path("tickets/<int:number>/", ticket.show, name="ticket"),
    path("tickets/<int:number>/news/", ticket.news, name="news"),
    path("tickets/<int:number>/answers/", ticket.answer, name="answer"),
    path("tickets/<int:number>/notes/", ticket.note, name="note"),
    path("tickets/<int:number>/status/", properties.status, name="ticket-status"),
    path("tickets/<int:number>/queue/", properties.queue, name="ticket-queue"),
    path("tickets/<int:number>/assignee/", properties.assignee, name="ticket-assignee"),
    path("tickets/<int:number>/priority/", properties.priority, name="ticket-priority"),
    path("tickets/<int:number>/type/", properties.kind, name="ticket-type"),
    path("tickets/<int:number>/tags/", properties.add_tags, name="ticket-tags"),
    path("tickets/<int:number>/tags/removal/", properties.remove_tag, name="ticket-tag-removal"),
    path("tickets/<int:number>/fields/", properties.fields, name="ticket-fields"),
    path("tickets/<int:number>/title/", properties.title, name="ticket-title"),
    path("tickets/<int:number>/spam/", properties.spam, name="ticket-spam"),
    path("tickets/<int:number>/reminder/", properties.reminder, name="ticket-reminder"),
    path("tickets/<int:number>/followers/", properties.followers, name="ticket-followers"),
    path("tickets/<int:number>/merge/", moving.merging, name="ticket-merge"),
    path("tickets/<int:number>/merge/end/", moving.unmerging, name="ticket-unmerge"),
    path("messages/<int:pk>/move/", moving.moving, name="message-move"),
    path("messages/<int:pk>/split/", moving.splitting, name="message-split"),
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
    path("receipts/<int:pk>/taking/", receipts.taking, name="receipt-taking"),
    path("receipts/<int:pk>/taken/", receipts.take, name="receipt-taken"),
]

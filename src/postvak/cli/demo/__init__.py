"""`postvak demo`: fills an empty installation with believable data, for looking around and for measuring.

command.py   the command; refuses an installation that isn't empty
people.py    names of people and companies, in three languages
house.py     brands, queues, agents, tags, customers: what both sizes need before the first mail
stories.py   what customers of the small one write, and what agents answer
small.py     sixty tickets by real mails through the ordinary entrance, then moved back in time
words.py     60,000 words per language, the commonest first
large.py     hundreds of thousands of tickets, written in bulk; nothing that the database keeps is switched off
lives.py     how one of those tickets went: status, times, messages
papers.py    the few raw mails that all of its messages share
letters.py   the raw mails of the small one
past.py      moves a ticket back in time
index.py     reads the messages of the large one for the search
"""

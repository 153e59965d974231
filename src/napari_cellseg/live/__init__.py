"""The walk as the window takes it: frame by frame, into the files of a study, telling only what is small.

Every piece of work here is a generator of events that runs in the helper process. Labels travel through the
study's files, which the window maps too; through the pipe go counts, small pictures and sentences.
"""

"""A gate's camera: who comes, and is she known here?

    frame -> (anything new?) -> detect -> track -> quality -> embed the good ones
          -> vote of three or more -> Gate

Everything stays on the device. What leaves it is a word: resident, watch-list, visitor or unknown,
a pseudonym and a score; never a picture, and never the numbers that faces are compared by.
"""

"""Who reads together, where do they stand, and can they be put elsewhere?"""

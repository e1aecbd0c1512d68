namespace OathServer.Provisioning.Rehearsal;

/// <summary>What a rehearsal met and what would have gone wrong at handout.</summary>
internal sealed class RehearsalResult
{
    public int Keys { get; init; }

    public int Pulled { get; set; }

    public int AnswersLost { get; set; }

    /// <summary>Jobs a stopped node left open.</summary>
    public int InFlight { get; set; }

    /// <summary>Keys whose button was pressed between provisioning and handout.</summary>
    public int Drifted { get; set; }

    /// <summary>Lines of the user list that named an unknown token or one that is on another key.</summary>
    public int WrongLines { get; set; }

    /// <summary>Of those, the ones that were not refused.</summary>
    public int WrongLinesTaken { get; set; }

    public TimeSpan Provisioning { get; set; }

    public int NotReady { get; set; }

    public int UnknownSecrets { get; set; }

    public int FirstCodesRefused { get; set; }

    public int Replays { get; set; }

    public List<string> Examples { get; } = [];

    public bool Held => WrongLinesTaken == 0 && NotReady == 0 && UnknownSecrets == 0 && FirstCodesRefused == 0 && Replays == 0;
}

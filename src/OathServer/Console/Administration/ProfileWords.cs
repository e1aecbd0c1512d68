using OathServer.Provisioning;

namespace OathServer.Pages.Administration;

/// <summary>The decisions of a rollout in words, and what follows from them.</summary>
internal static class ProfileWords
{
    private const int FactoryTries = 3;

    /// <summary>What a PIV card takes, where the profile leaves it to the key.</summary>
    private const int UsualDigits = 8;

    public static Phrase Of(PukStrategy puk) => puk switch
    {
        PukStrategy.Random => new Phrase("random for each key, escrowed"),
        PukStrategy.Derived => new Phrase("derived from the key's CUID"),
        _ => new Phrase("one for a batch"),
    };

    public static Phrase Of(PinStrategy pin) => pin switch
    {
        PinStrategy.UniqueInitial => new Phrase("unique initial PIN"),
        PinStrategy.ForcedChange => new Phrase("unique initial PIN, change forced"),
        _ => new Phrase("set by the holder at the desk"),
    };

    /// <summary>Where the code comes from.</summary>
    public static Phrase Of(OathDecision? oath) => oath switch
    {
        null => new Phrase("none"),
        { Slot: { } slot } => new Phrase("OTP slot {0}", slot),
        _ => new Phrase("OATH application"),
    };

    public static Phrase Of(FidoScope fido) => fido switch
    {
        FidoScope.Undecided => new Phrase("undecided"),
        FidoScope.NotUsed => new Phrase("not used"),
        _ => new Phrase("the holder registers"),
    };

    public static Phrase Of(ManagementKeyStrategy key) =>
        key == ManagementKeyStrategy.Random ? new Phrase("random for each key, escrowed") : new Phrase("left as it is");

    /// <summary>What follows for a key that is written so, and how grave it is.</summary>
    public static IEnumerable<(Phrase What, string Kind)> EffectsOf(RolloutProfile profile)
    {
        var pukTries = profile.Retries?.Puk ?? FactoryTries;
        var pukDigits = profile.Puk.Digits ?? UsualDigits;
        var pinTries = profile.Retries?.Pin ?? FactoryTries;
        yield return profile.Puk.Strategy switch
        {
            PukStrategy.Random => (new Phrase("Gap 1 is closed: each PUK is random and escrowed. Losing the database and its backups loses the PUKs."), "good"),
            PukStrategy.Derived => (new Phrase("Gap 1 is closed: each PUK can be made again from the master secret, even without the database. Whoever has the master secret has all PUKs."), "good"),
            _ => (new Phrase("Gap 1 is closed, weakly: whoever learns one PUK can unblock every key of the batch. Readiness lists the keys after {0:N0} days.", profile.Puk.RotateAfterDays), "warn"),
        };
        yield return (new Phrase("A finder guesses the PUK with a chance of {0:0.######} % before it blocks ({1} tries, {2} digits).", Chance(pukTries, pukDigits), pukTries, pukDigits), "");
        yield return profile.Pin.Strategy switch
        {
            PinStrategy.UniqueInitial => (new Phrase("Gap 2 is closed: no key leaves with the factory PIN. The holder should change the initial one; nothing makes them."), "good"),
            PinStrategy.ForcedChange => (new Phrase("Gap 2 is closed: no key leaves with the factory PIN, and FIDO insists on a change. PIV cannot insist."), "good"),
            _ => (new Phrase("Gap 2 is closed: the job ends only when the holder has replaced the factory PIN at the desk. The holder must be there."), "good"),
        };
        yield return (new Phrase("A finder guesses the PIN with a chance of {0:0.######} % before it blocks ({1} tries, {2} digits).", Chance(pinTries, profile.Pin.Digits), pinTries, profile.Pin.Digits), "");
        yield return (profile.Oath, profile.VerifyFirstCode) switch
        {
            (null, _) => (new Phrase("Gap 3 does not apply: no one-time password credential is written."), "warn"),
            (_, true) => (new Phrase("Gap 3 is closed: key and server agree on the first code before handout."), "good"),
            _ => (new Phrase("Gap 3 stays open: a key that disagrees is noticed only when its holder is refused."), "bad"),
        };
        yield return profile.Fido.Scope switch
        {
            FidoScope.Undecided => (new Phrase("Gap 4 stays open: nobody decided what becomes of FIDO."), "bad"),
            FidoScope.NotUsed => (new Phrase("Gap 4 is closed: FIDO is not used on these keys, and it is on record."), "good"),
            _ => (new Phrase("Gap 4 is closed: the FIDO PIN has at least {0} characters. A forgotten one costs every registration.", profile.Fido.MinPinLength), "good"),
        };
        if (profile.ManagementKey == ManagementKeyStrategy.Leave)
        {
            yield return (new Phrase("The PIV management key stays the factory's, if it is: whoever has the key in hand can replace its certificates."), "warn");
        }

        if (profile.Pin.OnHandout)
        {
            yield return (new Phrase("The initial PIN is printed on the handout: whoever has both key and paper can use it."), "warn");
        }
    }

    /// <summary>What differs, as the two versions say it; names of members as the API has them.</summary>
    public static IEnumerable<(string Member, string Before, string After)> Changes(RolloutProfile before, RolloutProfile after)
    {
        var (old, now) = (Members(before), Members(after));
        return old.Keys.Union(now.Keys).Where(member => old.GetValueOrDefault(member) != now.GetValueOrDefault(member))
            .Select(member => (member, old.GetValueOrDefault(member, "-"), now.GetValueOrDefault(member, "-")));
    }

    private static double Chance(int tries, int digits) => 100.0 * tries / Math.Pow(10, digits);

    private static SortedDictionary<string, string> Members(RolloutProfile p)
    {
        var members = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["puk.strategy"] = p.Puk.Strategy.ToString(),
            ["puk.digits"] = p.Puk.Digits is { } digits ? Text(digits) : "-",
            ["puk.rotateAfterDays"] = Text(p.Puk.RotateAfterDays),
            ["pin.strategy"] = p.Pin.Strategy.ToString(),
            ["pin.digits"] = Text(p.Pin.Digits),
            ["pin.onHandout"] = Text(p.Pin.OnHandout),
            ["factory.pin"] = p.Factory.Pin ?? "-",
            ["factory.puk"] = p.Factory.Puk ?? "-",
            ["managementKey"] = p.ManagementKey.ToString(),
            ["verifyFirstCode"] = Text(p.VerifyFirstCode),
            ["fido.scope"] = p.Fido.Scope.ToString(),
            ["fido.minPinLength"] = Text(p.Fido.MinPinLength),
            ["fido.forceChange"] = Text(p.Fido.ForceChange),
            ["fido.recovery"] = p.Fido.Recovery,
            ["handout.organisation"] = p.Handout.Organisation,
            ["handout.helpDesk"] = p.Handout.HelpDesk,
            ["handout.language"] = p.Handout.Language.ToString(),
            ["handout.firstSteps"] = string.Join(" / ", p.Handout.FirstSteps ?? []),
        };
        if (p.Retries is { } retries)
        {
            members["retries.pin"] = Text(retries.Pin);
            members["retries.puk"] = Text(retries.Puk);
        }

        if (p.Oath is { } oath)
        {
            members["oath.name"] = oath.Name;
            members["oath.touch"] = Text(oath.Touch);
            members["oath.slot"] = oath.Slot is { } slot ? Text(slot) : "-";
        }

        return members;
    }

    private static string Text<T>(T value) where T : notnull => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value}").ToLowerInvariant();
}

using System.Globalization;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Storage;

namespace OathServer.Scim;

/// <summary>People as the directory tells of them. Somebody who leaves takes their tokens out of use in the same
/// transaction; somebody who returns finds them as they were.</summary>
internal sealed class ScimPeople(AuditTrail audit, FactsChanged factsChanged, TimeProvider time)
{
    public static string IdOf(Person person) => person.Id.ToString(CultureInfo.InvariantCulture);

    /// <exception cref="ScimFault">There is nobody of that id in the realm.</exception>
    public static async Task<Person> FindAsync(OathDbContext db, string realm, string id, CancellationToken cancel) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && await db.People.SingleOrDefaultAsync(p => p.Id == number && p.Realm == realm, cancel) is { } person
            ? person
            : throw ScimFault.NotFound(id);

    /// <summary>Makes somebody known. A name that is here already, from an import or a provisioning, and that no directory
    /// has claimed yet is taken up, so that their tokens are theirs.</summary>
    public async Task<Person> CreateAsync(OathDbContext db, string realm, ScimUser user, AuditEvent actor, CancellationToken cancel)
    {
        var name = Person.Normalize(user.UserName);
        var person = await db.People.SingleOrDefaultAsync(p => p.Realm == realm && p.NormalizedName == name, cancel);
        var unclaimed = person is { ExternalId: null } && user.ExternalId is not null;
        if (person is not null && !unclaimed)
        {
            throw Taken(user);
        }

        if (person is null)
        {
            person = new Person { Realm = realm, Name = user.UserName, NormalizedName = name, CreatedAt = time.GetUtcNow() };
            db.People.Add(person);
        }

        await SaveAsync(db, person, user, "person.create", actor, cancel);
        return person;
    }

    public Task UpdateAsync(OathDbContext db, Person person, ScimUser user, AuditEvent actor, CancellationToken cancel) =>
        SaveAsync(db, person, user, "person.update", actor, cancel);

    /// <summary>The directory forgets somebody. Who never held a key is deleted; whoever did is out of use, and their
    /// record stays for help desk under the name alone.</summary>
    public async Task RemoveAsync(OathDbContext db, Person person, AuditEvent actor, CancellationToken cancel)
    {
        var held = await db.Tokens.AnyAsync(t => t.PersonId == person.Id, cancel) || await db.Records.AnyAsync(r => r.PersonId == person.Id, cancel);
        if (held)
        {
            await SaveAsync(db, person, ScimUser.Of(person) with { Active = false, ExternalId = null }, "person.remove", actor, cancel);
            return;
        }

        db.People.Remove(person);
        await audit.SaveAsync(db, cancel, actor with { Action = "person.remove", Outcome = "done", UserName = person.Name });
    }

    private async Task SaveAsync(OathDbContext db, Person person, ScimUser user, string action, AuditEvent actor, CancellationToken cancel)
    {
        var moved = person.Active != user.Active;
        (person.Name, person.NormalizedName) = (user.UserName, Person.Normalize(user.UserName));
        (person.ExternalId, person.DisplayName, person.Mail, person.EmployeeNumber) = (user.ExternalId, user.DisplayName, user.Mail, user.EmployeeNumber);
        (person.Active, person.UpdatedAt) = (user.Active, time.GetUtcNow());
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        try
        {
            await audit.SaveAsync(db, cancel, actor with
            {
                Action = action,
                Outcome = "done",
                UserName = person.Name,
                Detail = moved ? (person.Active ? "active again: the tokens work as before" : "left: the tokens are refused from now on") : null,
            });
        }
        catch (DbUpdateException)
        {
            // The unique index on the name: somebody else has it.
            throw Taken(user);
        }

        await Holders.AlignAsync(db, db.Tokens.Where(t => t.PersonId == person.Id), cancel);
        await transaction.CommitAsync(cancel);
        factsChanged.Announce();
    }

    private static ScimFault Taken(ScimUser user) => new(
        StatusCodes.Status409Conflict, "uniqueness", $"There is a user {user.UserName} already. Look them up with filter=userName eq, and change that one.");
}
